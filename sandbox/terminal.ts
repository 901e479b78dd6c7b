/** How the engine's progress reaches whoever reads this process' output: coloured and in place only where that is a terminal. */
export function terminalOutput(): {
  onOutput: (text: string) => void;
  color: "always" | "never";
  suppressProgress: boolean;
} {
  const { isTTY } = process.stdout;
  return {
    onOutput: (text) => process.stdout.write(text),
    color: isTTY ? "always" : "never",
    suppressProgress: !isTTY,
  };
}
