import { connect } from "node:net";

/** @throws Error when somebody else listens there */
export async function refuseTakenPort(image: string, port: number): Promise<void> {
  if (await listens(port))
    throw new Error(`image ${image}: port ${port} of this machine is taken by another program; stop that one`);
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const answer = (yes: boolean) => (): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.once("connect", answer(true)).once("error", answer(false));
  });
}
