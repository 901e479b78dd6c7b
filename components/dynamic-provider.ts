/**
 * What Pulumi's dynamic provider runs, and keeps in the state. `pulumi.dynamic.Resource` would make this text from a closure,
 * for which it loads the TypeScript compiler at every preview; written out, it is also sure to hold neither a credential nor
 * a path of one machine. The provider runs in the program's directory.
 * @param file the file of `components/` that has the methods; it stays where it is, since states of every version name it
 * @param provider the name under which it exports them
 */
export function providerSource(file: string, provider: string, methods: readonly string[]): string {
  return `exports.handler = () => {
  const { pathToFileURL } = require("node:url");
  const methods = () => import(pathToFileURL(process.cwd() + "/components/${file}").href);
  const forward = (name) => [name, async (...args) => (await methods()).${provider}[name](...args)];
  return Object.fromEntries(${JSON.stringify(methods).replaceAll(",", ", ")}.map(forward));
};
`;
}
