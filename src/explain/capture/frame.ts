/** One captured frame, as pcap and pcapng files hold them. */
export interface Frame {
  /** Milliseconds since the epoch, with a fraction; undefined where the file has no time. */
  at?: number
  /** Link-layer type (tcpdump.org/linktypes.html). */
  link: number
  data: Buffer
  /** The capture kept only the beginning (its snap length). */
  cut: boolean
}

/** What a reader found out about the file beside its frames. */
export interface CaptureNotes {
  /** The file ends in the middle of a frame. */
  truncated: boolean
  /** Why the file could not be read any further. */
  broken?: string
}

/** Wireshark's own limit for a frame (wiretap/wtap.h); what claims more is damaged. */
export const MAX_FRAME_BYTES = 256 * 1024
