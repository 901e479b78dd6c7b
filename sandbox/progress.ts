/** Prints one line of progress with the seconds since the start, so that one sees what takes long. */
export function startProgress(): (line: string) => void {
  const start = Date.now();
  return (line) => console.log(`[${String(Math.round((Date.now() - start) / 1000)).padStart(4)} s] ${line}`);
}
