import type { Finding } from '../finding.ts'
import type { RoutesTable } from '../routing/routes.ts'
import { explainRefusal } from '../routing/policy/refusals.ts'
import type { Check } from './check.ts'

/** Whether agents may transfer callers at all. */
export const numberPolicyCheck: Check = {
  name: 'number-policy',
  title: 'May any number be dialled on the word of an agent?',
  readOnly: true,
  limitMs: 2000,
  async run ({ routes: { table, file } }) {
    return [policyFinding(table, file)]
  }
}

/** Pure. */
export function policyFinding ({ policy }: Pick<RoutesTable, 'policy'>, file: string | undefined): Finding {
  if (!policy) {
    const where = file === undefined ? 'ROUTES_FILE is not set' : `${file} has no \`policy\``
    return {
      code: 'policy-none',
      severity: 'warning',
      seen: `${where}, so every transfer by an agent is refused with 403`,
      todo: 'Write the countries or prefixes that may be called in the routes file, such as ' +
        '`policy: { allow: [DE, "+1555"] }`, and set ROUTES_FILE to it'
    }
  }
  if (policy.allow.length === 0) {
    return {
      code: 'policy-none',
      severity: 'warning',
      seen: '`policy.allow` is empty, so every transfer by an agent is refused with 403',
      todo: explainRefusal('nothing-allowed')
    }
  }
  return { code: 'policy-ok', severity: 'ok', seen: `Transfers may go to: ${policy.allow.slice(0, 10).join(', ')}` }
}
