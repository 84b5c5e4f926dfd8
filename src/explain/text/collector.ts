import type { Json } from './json.ts'

/** Collects lines that mean something together. */
export interface Collector {
  /** False when the line does not belong to those before it. */
  push(line: string): boolean
  /** The record, the service that it names, and what stood in front of it; undefined when the lines were none. */
  end(): { record: Json, service?: string, label?: string } | undefined
}
