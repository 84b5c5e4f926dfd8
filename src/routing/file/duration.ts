/** The ways to write how long something may take. */
export const DURATION = /^(?:(\d{1,5})h)?(?:(\d{1,5})m)?(?:(\d{1,5})s)?$/

/** Reads `40s`, `1m30s` or `2h`, in seconds. Undefined: it is none of these. */
export function parseDuration (text: string): number | undefined {
  const match = DURATION.exec(text)
  if (!match || text === '') return undefined
  const [hours, minutes, seconds] = match.slice(1).map(part => Number(part ?? 0))
  return hours! * 3600 + minutes! * 60 + seconds!
}

/** Writes seconds as people write them in the file. */
export function formatDuration (seconds: number): string {
  const parts = [[Math.floor(seconds / 3600), 'h'], [Math.floor(seconds / 60) % 60, 'm'], [seconds % 60, 's']]
  return parts.filter(([n]) => n !== 0).map(([n, unit]) => `${n}${unit}`).join('') || '0s'
}
