/** Where things are in a job, relative to its working directory unless it says otherwise. */
export interface ProgramLayout {
  /** This program, e.g. `.` or `deploy`. */
  readonly program: string;
  /** The repository to clone it from, if it is not the source's own, and where to. */
  readonly clone?: { readonly repository: string; readonly ref: string; readonly directory: string } | undefined;
  /** Where the source is checked out to, if that matters. @default CircleCI's `~/project` */
  readonly workingDirectory?: string | undefined;
}

/** Where jobs leave files for one another: outside of the checkout, which is the context of image builds. */
export const handOver = "../delivery";
