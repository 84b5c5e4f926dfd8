import t from 'tap'
import { numberPolicyCheck, policyFinding } from '../../src/doctor/number-policy.ts'
import { contextWith, run } from '../fixtures/doctor-check.ts'
import { policyWith } from '../fixtures/policies.ts'

await t.test('without a policy the doctor says what to write', async t => {
  t.match(await run(numberPolicyCheck, contextWith()), [{
    code: 'policy-none',
    severity: 'warning',
    seen: /ROUTES_FILE is not set, so every transfer by an agent is refused with 403/,
    todo: /policy: \{ allow: \[DE, "\+1555"\] \}/
  }])
  t.match(policyFinding({ policy: undefined }, 'routes.yaml'), { seen: /routes\.yaml has no `policy`/ })
})

await t.test('a policy that allows nothing, and one that does', async t => {
  t.match(policyFinding({ policy: policyWith() }, 'routes.yaml'), { code: 'policy-none', seen: /allow` is empty/ })
  t.match(policyFinding({ policy: policyWith({ allow: ['DE'] }) }, 'routes.yaml'), {
    code: 'policy-ok',
    severity: 'ok',
    seen: 'Transfers may go to: DE'
  })
})
