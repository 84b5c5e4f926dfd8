import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { play, startChromium, withoutChromium } from '../fixtures/browser.ts'
import { enter, goTo, rowOf } from '../fixtures/console-page.ts'
import { NUMBERS, setConsoleStage, TOKENS, type ConsoleStage } from '../fixtures/console-stage.ts'

const CALLER = '+15550001234'

/** No worker runs the first agent of sales. */
const WARM = `version: 1
routes:
  - name: sales
    when: { to: "${NUMBERS.sales}" }
    connect:
      - { agent: day-desk, ring: 1s, warm: 1 }
      - { agent: night-desk, ring: 10s }
  - name: front desk
    connect:
      - { agent: receptionist, ring: 30s, warm: 1 }
`

/** Somebody talks with the agent. */
async function talk (stage: ConsoleStage, from = CALLER) {
  const call = stage.call({ from })
  const { callSid } = await stage.until(call => call.from === from && call.phase === 'connected')
  return { call, callSid }
}

async function hasWarmRoom ({ url }: ConsoleStage, agent: string): Promise<boolean> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return text.includes(`bridge_warm_rooms{agent="${agent}",state="ready"} 1`)
}

/** A call whose agent does not come. */
async function fail (stage: ConsoleStage, from: string): Promise<string> {
  stage.call({ from, to: NUMBERS.nobody })
  const { callSid } = await stage.until(call => call.from === from && call.phase === 'ended')
  return callSid
}

await t.test('one call, in chromium', { skip: withoutChromium }, async t => {
  const chromium = await startChromium(t)

  await t.test('a failed call is found by a part of its number, with its ladder and diagnosis', async t => {
    const stage = await setConsoleStage(t)
    const callSid = await fail(stage, '+15550007777')
    await talk(stage)
    await play(t, chromium, async open => {
      const page = await enter(await open(), stage, TOKENS.operator)
      await page.keyboard.press('/')
      await page.getByRole('searchbox', { name: 'Number' }).fill('555 000-77 77')
      await page.keyboard.press('Enter')
      await rowOf(page, '+15550007777').waitFor()
      t.equal(await rowOf(page, CALLER).count(), 0)
      t.match(page.url(), /#\/find\?number=/, 'the search stands in the address')

      await page.getByRole('link', { name: '+15550007777' }).click()
      await page.waitForURL(new RegExp(`#/call/${callSid}$`))
      await page.getByRole('heading', { name: 'Diagnosis' }).waitFor()
      t.match(await page.locator('.call-headline').innerText(), /no-agent/)
      t.match(await page.getByRole('region', { name: 'Diagnosis' }).innerText(), /What to do[^]*What shows it/)

      const steps = page.getByRole('list', { name: /Steps of the call/ }).getByRole('button')
      t.ok(await steps.count() >= 5)
      t.match(await steps.first().getAttribute('aria-label'), /Jambonz/)
      await steps.first().click()
      await page.getByRole('region', { name: 'The step' }).waitFor()

      await page.goBack()
      await rowOf(page, '+15550007777').waitFor()
      const searched = await page.getByRole('searchbox', { name: 'Number' }).inputValue()
      t.equal(searched, '555 000-77 77', 'the search is still there')
    })
  })

  await t.test('the attempts say whether an agent waited for the call, or why none did', async t => {
    const stage = await setConsoleStage(t, { routes: WARM })
    while (!await hasWarmRoom(stage, 'receptionist')) await sleep(50)
    const { callSid: warm } = await talk(stage)
    stage.call({ from: '+15550002222', to: NUMBERS.sales })
    const { callSid: cold } = await stage.until(({ attempts }) => attempts[1]?.agent === 'night-desk')

    await play(t, chromium, async open => {
      const page = await enter(await open(), stage, TOKENS.operator)
      const attempts = page.getByRole('region', { name: 'Attempts' })
      await goTo(page, `#/call/${warm}`)
      await attempts.getByText('warm', { exact: true }).waitFor()
      t.match(await attempts.innerText(), /agent receptionist warm made [\d.]+ s before/)
      await page.getByText('warm room claimed').first().waitFor()

      await goTo(page, `#/call/${cold}`)
      await attempts.getByText('cold', { exact: true }).waitFor()
      t.match(await attempts.innerText(), /agent day-desk cold no warm room was ready[^]*agent night-desk\s/)
    })
  })

  await t.test('a call is hung up from the page, and ends there', async t => {
    const stage = await setConsoleStage(t)
    const { call, callSid } = await talk(stage)
    const hungUp = new Promise<void>(resolve => call.onBye(() => resolve()))
    await play(t, chromium, async open => {
      const page = await enter(await open(), stage, TOKENS.operator)
      await rowOf(page, CALLER).getByRole('link').click()
      await page.waitForURL(new RegExp(`#/call/${callSid}$`))
      const steps = page.getByRole('list', { name: /Steps of the call/ }).getByRole('button')
      await steps.first().waitFor()
      const before = await steps.count()

      await page.getByRole('button', { name: 'Hang up…' }).click()
      const dialog = page.getByRole('dialog')
      t.match(await dialog.innerText(), /The caller is cut off/)
      await dialog.getByRole('button', { name: 'Hang up', exact: true }).click()
      await hungUp
      await page.locator('.call-headline').getByText('operator-hung-up').first().waitFor()
      await dialog.waitFor({ state: 'detached' })
      t.ok(await steps.count() > before, 'the ladder has grown')
      t.equal(await page.getByRole('button', { name: 'Hang up…' }).count(), 0)
    })
    const change = stage.logged().split('\n').find(line => line.includes('operator change'))
    t.match(JSON.parse(change ?? '{}'), { operation: 'hang-up', by: 'alice', callSid, allowed: true })
  })

  await t.test('a viewer sees nothing that changes anything', async t => {
    const stage = await setConsoleStage(t)
    const { callSid } = await talk(stage)
    await play(t, chromium, async open => {
      const page = await enter(await open(), stage, TOKENS.viewer)
      await goTo(page, `#/call/${callSid}`)
      await page.getByRole('heading', { name: 'Diagnosis' }).waitFor()
      t.ok(await page.getByRole('button', { name: 'Copy link' }).count())
      for (const name of [/Hang up/, /Transfer/]) t.equal(await page.getByRole('button', { name }).count(), 0)
      t.equal(await page.getByRole('link', { name: 'Place a call' }).count(), 0)

      await goTo(page, '#/place')
      t.equal(await page.locator('main').getByRole('textbox').count(), 0, 'nor by its address')
    })
  })

  await t.test('the token stands in no address, log or lasting storage', async t => {
    const stage = await setConsoleStage(t)
    const { callSid } = await talk(stage)
    await play(t, chromium, async open => {
      const tab = await open()
      const page = await enter(tab, stage, TOKENS.operator)
      for (const hash of [`#/call/${callSid}`, '#/find', '#/routes', '#/doctor', '#/place']) await goTo(page, hash)

      t.ok(tab.requests.some(url => url.includes('/calls/stream')))
      t.same(tab.requests.filter(url => url.includes(TOKENS.operator)), [])
      t.match(await page.evaluate('JSON.stringify(sessionStorage)'), TOKENS.operator, 'it is kept for this tab')
      t.notMatch(await page.evaluate('JSON.stringify(localStorage) + document.cookie + location.href'), TOKENS.operator)
      t.same(await page.context().cookies(), [])

      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByLabel('Token').waitFor()
      t.equal(await page.evaluate('sessionStorage.length'), 0)
    })
    t.match(stage.logged(), callSid, 'the log tells of the call')
    t.notMatch(stage.logged(), TOKENS.operator)
  })
})
