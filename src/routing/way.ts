/** One way to connect a call. A new strategy is a new member here and a file beside this one. */
export type Way =
  | { strategy: 'room', agent: string }
  | { strategy: 'phone', number: string }

export type Strategy = Way['strategy']
