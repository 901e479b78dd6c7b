/**
 * Where GitHub shows a repository to people, which is what its webhooks call its `html_url`. GitHub Enterprise Server has its API
 * below the same address.
 * @param api the base URL of the API
 * @param repository as owner/name
 */
export function gitHubPage(api: string, repository: string): string {
  const { hostname, origin } = new URL(api);
  return `${hostname === "api.github.com" ? "https://github.com" : origin}/${repository}`;
}
