/** What the programs that carried a line say about it. */
export interface Origin {
  /** Its number in the file, from 1. */
  readonly number: number
  /** When it was collected, milliseconds: the line's own time is better. */
  readonly at?: number
  /** The container, unit or process that wrote it. */
  readonly service?: string
  /** Tells lines of one writer from those of others that stand between them. */
  readonly stream: string
}

/** What one wrapper says of a line, on top of what those around it said: the inner one knows better. */
export function within (outer: Origin, { at, service, stream }: Partial<Origin>): Origin {
  return {
    ...outer,
    ...(at !== undefined && { at }),
    ...(service !== undefined && { service }),
    ...(stream !== undefined && { stream: `${outer.stream}/${stream}`.slice(-MAX_STREAM) })
  }
}

/** Characters of a stream's name that are told apart. */
const MAX_STREAM = 300
