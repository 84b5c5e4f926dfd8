import type { Finding } from '../../finding.ts'

/** Sentences that one finding repeats of others with its code. */
const MOST_SENTENCES = 5

interface Merged {
  first: Finding
  sentences: Set<string>
}

/** One finding for each code: the first one, followed by what else was seen of the same. Every doubt stays. */
export function mergeFindings (findings: readonly Finding[]): Finding[] {
  const merged = new Map<string, Merged>()
  for (const finding of findings) {
    const { code, seen } = finding
    const key = code === 'not-told-apart' ? `${code} ${seen}` : code
    const known = merged.get(key)
    if (known) known.sentences.add(seen)
    else merged.set(key, { first: finding, sentences: new Set([seen]) })
  }
  return [...merged.values()].map(({ first, sentences }) =>
    sentences.size === 1 ? first : { ...first, seen: joined([...sentences]) }
  )
}

function joined (sentences: readonly string[]): string {
  const shown = sentences.slice(0, MOST_SENTENCES).map(asSentence)
  const more = sentences.length - shown.length
  return [...shown, ...more > 0 ? [`And ${more} more.`] : []].join(' ')
}

const asSentence = (text: string): string => /[.?!]$/.test(text) ? text : `${text}.`
