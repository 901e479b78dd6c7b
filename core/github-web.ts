/**
 * Where GitHub shows itself to people, e.g. `https://github.com`. GitHub Enterprise Server has its API below the same address;
 * github.com and GHE.com have it at a host of its own, `api.` before theirs.
 * Source: https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency
 * @param api the base URL of the API
 */
export function gitHubOrigin(api: string): string {
  const { origin } = new URL(api);
  return origin.replace(/^https:\/\/api\.(github\.com|[^./]+\.ghe\.com)$/, "https://$1");
}

/**
 * Where GitHub shows a repository to people, which is what its webhooks call its `html_url`.
 * @param api the base URL of the API
 * @param repository as owner/name
 */
export function gitHubPage(api: string, repository: string): string {
  return `${gitHubOrigin(api)}/${repository}`;
}
