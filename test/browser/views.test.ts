import t from 'tap'
import { play, startChromium, withoutChromium } from '../fixtures/browser.ts'
import { enter, goTo } from '../fixtures/console-page.ts'
import { NUMBERS, setConsoleStage, TOKENS } from '../fixtures/console-stage.ts'

await t.test('routes, probes and orders, in chromium', { skip: withoutChromium }, async t => {
  const chromium = await startChromium(t)

  await t.test('a number is tested: which route takes the call, why no other, and in which ways', async t => {
    const stage = await setConsoleStage(t)
    await play(t, chromium, async open => {
      const page = await enter(await open(), stage, TOKENS.viewer)
      await goTo(page, '#/routes')
      await page.getByLabel('Called number').fill(NUMBERS.nobody)
      await page.keyboard.press('Enter')
      const verdict = page.locator('.trial-verdict')
      await verdict.getByText('takes the call').waitFor()
      const text = await verdict.innerText()
      t.match(text, /support \(line \d+\)\s+takes the call/)
      t.match(text, /sales \(line \d+\): to: /, 'why not the one before')
      t.match(text, /agent nobody/)
      t.match(await page.getByRole('row').filter({ hasText: 'matches the tested call' }).innerText(), /support/)
      t.match(await page.locator('.fact-list').innerText(), /\+1555/, 'the policy')
    })
  })

  await t.test('a probe calls LiveKit, and draws what it sees', async t => {
    const stage = await setConsoleStage(t)
    await play(t, chromium, async open => {
      const page = await enter(await open(), stage, TOKENS.operator)
      await goTo(page, '#/place')
      await page.getByLabel('Listen for, seconds').fill('1')
      await page.getByRole('button', { name: 'Start the probe' }).click()
      await page.getByText(/^The probe (went well|failed)/).waitFor()
      t.match(await page.locator('.place .findings').innerText(), /Agent receptionist was seen in the room/)
      const names = await page.getByRole('list', { name: /^Steps/ }).getByRole('button')
        .evaluateAll(buttons => buttons.map(button => String(button.ariaLabel)))
      for (const what of [/INVITE/, /200/, /BYE/]) t.ok(names.some(name => what.test(name)), String(what))
    })
  })

  await t.test('a probe that is stopped stays stopped', async t => {
    const stage = await setConsoleStage(t)
    await play(t, chromium, async open => {
      const tab = await open()
      const page = await enter(tab, stage, TOKENS.operator)
      await goTo(page, '#/place')
      await page.getByLabel('Listen for, seconds').fill('60')
      await page.getByRole('button', { name: 'Start the probe' }).click()
      await page.getByRole('list', { name: /^Steps/ }).waitFor()
      await page.getByRole('button', { name: 'Stop the probe' }).click()
      await page.getByText('The probe was stopped.').waitFor()
      await page.getByRole('button', { name: 'Start the probe' }).waitFor()
      t.equal(tab.requests.filter(url => url.endsWith('/probe')).length, 1)
    })
  })

  await t.test('a double click places one call, and shows it', async t => {
    const stage = await setConsoleStage(t)
    await play(t, chromium, async open => {
      const tab = await open()
      const page = await enter(tab, stage, TOKENS.operator)
      await goTo(page, '#/place')
      await page.getByLabel('Number to call').fill('+44 121 555 0000')
      await page.getByRole('button', { name: 'Call +44 121 555 0000' }).click()
      await page.getByText('Nobody was called.').waitFor()
      t.ok(await page.getByText('BRIDGE_NUMBER_REFUSED').count(), 'with the rule that refused it')
      t.ok(tab.forgive(/403/) > 0)

      await page.getByLabel('Number to call').fill('+1 555 000 4444')
      await page.getByRole('button', { name: 'Call +1 555 000 4444' }).dblclick()
      await page.waitForURL(/#\/call\/./)
      await page.getByRole('list', { name: /Steps of the call/ }).waitFor()
      t.equal(tab.requests.filter(url => url.endsWith('/calls')).length, 2, 'the refused order, and one more')
    })
    await stage.until(({ to, phase }) => to === '+15550004444' && phase === 'connected')
  })
})
