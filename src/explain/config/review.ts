import type { Finding } from '../../finding.ts'
import { reviewProject } from '../../provisioning/livekit-review.ts'
import type { ConfigSeen } from '../seen.ts'
import { shellWord } from '../shell-word.ts'
import { listsOf, type ProjectLists } from './project-lists.ts'
import { relationFindings } from './relations.ts'
import { routeFindings, type RouteQuestion } from './route.ts'
import { inboundTrunkFindings, outboundTrunkFindings, ruleFindings } from './single.ts'

/** Files that a command names. */
const MOST_NAMED = 10
/** Trunks and rules that are described one by one. */
const MOST_DESCRIBED = 40
/**
 * What the review of a whole project says of things that are not in it. Files may hold a part of a project, and
 * {@link relationFindings} says as much as they show.
 */
const OF_THE_WHOLE: ReadonlySet<string> = new Set([
  'trunk-without-rule',
  'rule-unknown-trunk',
  'rule-inbound-numbers',
  'trunk-conflict'
])

/**
 * Reviews trunks and rules from files, with the checks of `bridge provision --list`.
 * @param question a call, of which trunk and rule are looked for
 */
export function reviewConfig (configs: readonly ConfigSeen[], question?: RouteQuestion): Finding[] {
  if (configs.length === 0 && !question) return []

  const lists = listsOf(configs)
  return [
    ...objectFindings(lists),
    ...relationFindings(lists),
    ...question ? routeFindings(lists, question) : [],
    ...missingFindings(lists, question, filesOf(configs))
  ]
}

function objectFindings (lists: ProjectLists): Finding[] {
  const objects = [...lists.trunks, ...lists.rules, ...lists.outbound]
  const own = [
    ...lists.trunks.map(inboundTrunkFindings),
    ...lists.rules.map(rule => ruleFindings(rule, lists.unshown.get(rule)?.has('agents') === true)),
    ...lists.outbound.map(outboundTrunkFindings)
  ]
  const described = reviewProject(lists).slice(0, MOST_DESCRIBED).flatMap((reviewed, i) => {
    const { kind, id, name, does, findings } = reviewed
    const place = lists.places.get(objects[i]!)
    const title = [kind, id, name === '' ? '' : `"${name}"`].filter(part => part !== '').join(' ')
    const described: Finding = {
      code: 'config-listed',
      severity: 'skipped',
      seen: `${title.charAt(0).toUpperCase()}${title.slice(1)}: ${does}${
        place === undefined ? '' : ` (${place.file}:${place.at})`
      }.`
    }
    const wrong = findings.filter(({ code, severity }) => severity !== 'ok' && !OF_THE_WHOLE.has(code))
    return [described, ...wrong, ...own[i] ?? []]
  })
  const more = objects.length - MOST_DESCRIBED
  if (more <= 0) return described
  return [...described, { code: 'config-listed', severity: 'skipped', seen: `And ${more} more trunks and rules.` }]
}

/** The files with the lists, as a command names them. */
const filesOf = (configs: readonly ConfigSeen[]): string[] =>
  [...new Set(configs.map(({ place: { file } }) => file))].slice(0, MOST_NAMED)
    .map(file => file === 'standard input' ? 'trunks.json' : shellWord(file))

/** What has to be known besides to tell where a call goes. */
function missingFindings (
  { seen, unshown }: ProjectLists,
  question: RouteQuestion | undefined,
  files: readonly string[]
): Finding[] {
  const findings: Array<Finding | false> = [
    seen.has('inbound') && !seen.has('rules') && {
      code: 'config-incomplete',
      severity: 'skipped',
      seen: 'No dispatch rule is in these files. A rule decides which room and which agent a call gets, and without ' +
        'one LiveKit takes no call.',
      todo: 'Add the list of rules',
      command: 'lk sip dispatch list -j > rules.json'
    },
    (seen.has('rules') || question !== undefined) && !seen.has('inbound') && {
      code: 'config-incomplete',
      severity: 'skipped',
      seen: 'No inbound trunk is in these files. A trunk decides whether LiveKit takes a call, and which rules fit it.',
      todo: 'Add the list of inbound trunks',
      command: 'lk sip inbound list -j > trunks.json'
    },
    question !== undefined && unshown.size > 0 && {
      code: 'config-incomplete',
      severity: 'skipped',
      seen: 'The table of rules does not show for which callers and dialled numbers a rule is.',
      todo: 'Give the list of rules as JSON',
      command: 'lk sip dispatch list -j > rules.json'
    },
    question === undefined && seen.has('inbound') && {
      code: 'config-not-asked',
      severity: 'skipped',
      seen: 'Which trunk and rule a certain call gets was not asked.',
      todo: 'Give the number that is called, the caller and the address from which the call comes',
      command: `bridge explain --to +15550100001 --from +15550100002 --ip 203.0.113.7 ${
        [...files, ...seen.has('rules') ? [] : ['rules.json']].join(' ')
      }`
    }
  ]
  return findings.filter(finding => finding !== false)
}
