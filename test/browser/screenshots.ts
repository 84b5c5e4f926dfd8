import { mkdirSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { CallView } from '../../src/calls/view.ts'
import { createMemoryRegistry } from '../../src/calls/store/memory-registry.ts'
import { storeRulesOf } from '../../src/store-rules.ts'
import type { SipFault } from '../../src/sandbox/livekit.ts'
import { startChromium, type Tab } from '../fixtures/browser.ts'
import { enter, goTo } from '../fixtures/console-page.ts'
import { setConsoleStage, talking, TOKENS, withOwner, type ConsoleStage } from '../fixtures/console-stage.ts'
import { project } from '../fixtures/paths.ts'

/*
 * Makes the pictures of the README: real calls of the sandbox, as the console shows them.
 */

const FOLDER = fileURLToPath(project('docs/images'))
const MOST_BYTES = 250_000

const LINES = { reception: '+15551230000', sales: '+15551230001', support: '+15551230002', billing: '+15551230003' }

const ROUTES = `version: 1
numbers: [${Object.values(LINES).map(number => `"${number}"`).join(', ')}]
policy: { allow: ["+1555"] }
routes:
  - name: sales
    when: { to: "${LINES.sales}" }
    connect:
      - { agent: sales, ring: 2s }
      - { agent: sales-backup, ring: 3s }
  - name: support
    when: { to: "${LINES.support}" }
    connect:
      - { agent: helpdesk, ring: 30s }
  - name: billing
    when: { to: "${LINES.billing}" }
    connect:
      - { agent: billing, ring: 1s }
      - { agent: helpdesk, ring: 30s }
  - name: front desk
    connect:
      - { agent: receptionist, ring: 30s }
`

const AGENTS = ['receptionist', 'helpdesk', 'reminders'].map(talking)

/** Times in records are milliseconds since the epoch; no other number is as large. */
const LEAST_TIME = Date.UTC(2020)

/** The same, as it was if it had begun earlier. */
function older<T> (value: T, byMs: number): T {
  const text = JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'number' && part > LEAST_TIME ? part - byMs : part)
  return JSON.parse(text) as T
}

interface DemoCall {
  minutesAgo: number
  from: string
  to: keyof typeof LINES
  phase?: 'ended' | 'connected'
  /** What LiveKit does with it. */
  fault?: SipFault
  /** The caller does not wait any longer than until it rings. */
  givesUp?: true
}

const CALLS: DemoCall[] = [
  { minutesAgo: 108, from: '+15550147720', to: 'sales', phase: 'ended' },
  { minutesAgo: 95, from: '+15550171014', to: 'support', phase: 'ended', fault: 'quota' },
  { minutesAgo: 81, from: '+15550104319', to: 'support', phase: 'ended', fault: 'quota' },
  { minutesAgo: 51, from: '+15550112210', to: 'sales', phase: 'ended' },
  { minutesAgo: 47, from: '+15550161177', to: 'reception', phase: 'ended', fault: 'quota' },
  { minutesAgo: 34, from: '+15550190034', to: 'sales', phase: 'ended', givesUp: true },
  { minutesAgo: 28, from: '+15550183206', to: 'sales', phase: 'ended' },
  { minutesAgo: 22.7, from: '+15550118243', to: 'support' },
  { minutesAgo: 17.3, from: '+15550133097', to: 'reception' },
  { minutesAgo: 12.1, from: '+15550175561', to: 'billing' },
  { minutesAgo: 9.4, from: '+15550160418', to: 'support' },
  { minutesAgo: 6.2, from: '+15550121186', to: 'reception' },
  { minutesAgo: 4.8, from: '+15550182270', to: 'support' },
  { minutesAgo: 3.1, from: '+15550109953', to: 'billing' },
  { minutesAgo: 2.2, from: '+15550151328', to: 'reception' },
  { minutesAgo: 1.4, from: '+15550144871', to: 'support' }
]

await withOwner(async owner => {
  mkdirSync(FOLDER, { recursive: true })
  const registry = createMemoryRegistry({ rules: storeRulesOf({ CALL_HISTORY_S: 86_400, CALL_HISTORY_MAX: 100 }) })
  const stage = await setConsoleStage(owner, { registry, routes: ROUTES, agents: AGENTS })
  const { open } = await startChromium(owner)

  for (const call of CALLS) {
    const { callSid } = await play(stage, call)
    await registry.update(callSid, record => older(record, call.minutesAgo * 60_000))
  }
  await order(stage)
  const failed = await callAs(stage, '+15550136642', LINES.sales, 'ended')

  stage.livekit.agents.splice(0, stage.livekit.agents.length, { name: 'receptionist', joinAfterMs: 60_000 })
  await callAs(stage, '+15550198830', LINES.reception, 'ringing')
  // It waits too long now, the next one does not.
  await sleep(10_000)
  await callAs(stage, '+15550115527', LINES.reception, 'ringing')

  for (const colorScheme of ['light', 'dark'] as const) {
    const tab = await open({ colorScheme, width: 1280, height: 600 })
    const page = await enter(tab, stage, TOKENS.operator)
    await page.locator('.causes').waitFor()
    await picture(tab, `console-now-${colorScheme}`)
    await goTo(page, `#/call/${failed.callSid}`)
    await page.getByRole('heading', { name: 'Diagnosis' }).waitFor()
    await page.setViewportSize({ width: 1280, height: 900 })
    await picture(tab, `console-call-${colorScheme}`)
  }
})

/** Plays a call until it is as far as it is to be. */
async function play (stage: ConsoleStage, { from, to, phase = 'connected', fault, givesUp }: DemoCall) {
  if (fault) stage.livekit.faults.sipCallers[from] = fault
  if (!givesUp) return await callAs(stage, from, LINES[to], phase)

  const call = stage.call({ from, to: LINES[to] })
  await stage.until(call => call.from === from && call.phase === 'ringing')
  call.cancel()
  return await stage.until(call => call.from === from && call.phase === phase)
}

async function callAs (stage: ConsoleStage, from: string, to: string, phase: string): Promise<CallView> {
  stage.call({ from, to })
  return await stage.until(call => call.from === from && call.phase === phase)
}

/** The bridge calls somebody. */
async function order ({ url, until }: ConsoleStage): Promise<void> {
  const to = '+15550104477'
  const reply = await fetch(`${url}/calls`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${TOKENS.operator}`,
      'content-type': 'application/json',
      'idempotency-key': 'appointment-4711'
    },
    body: JSON.stringify({ to, from: LINES.reception, agent: 'reminders' })
  })
  if (!reply.ok) throw new Error(await reply.text())
  await until(call => call.to === to && call.phase === 'connected')
}

async function picture ({ page }: Tab, name: string): Promise<void> {
  const path = `${FOLDER}/${name}.png`
  await page.mouse.move(0, 0)
  await page.evaluate('document.activeElement?.blur()')
  await page.screenshot({ path, animations: 'disabled' })
  const { size } = statSync(path)
  console.log(`${path}: ${Math.round(size / 1000)} kB`)
  if (size > MOST_BYTES) throw new Error(`${name} is larger than ${MOST_BYTES} bytes`)
}
