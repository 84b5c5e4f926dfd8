import { AgentDispatchClient, RoomServiceClient } from 'livekit-server-sdk'
import t from 'tap'
import { play, startChromium, withoutChromium } from '../fixtures/browser.ts'
import { enter, rowOf, signIn } from '../fixtures/console-page.ts'
import { LIVEKIT_API, setConsoleStage, talking, TOKENS } from '../fixtures/console-stage.ts'
import { numberOf, registryWithMany } from '../fixtures/many-calls.ts'

const CALLER = '+15550001234'
const OTHER_CALLER = '+15550005678'

await t.test('Now, in chromium', { skip: withoutChromium }, async t => {
  const chromium = await startChromium(t)

  await t.test('a wrong token is refused with words, the right one opens the page', async t => {
    const stage = await setConsoleStage(t)
    await play(t, chromium, async open => {
      const tab = await open()
      const { page } = tab
      await signIn(tab, stage, 'not-the-token-not-the-token')
      await page.getByRole('alert').filter({ hasText: 'does not know this token' }).waitFor()
      t.equal(tab.forgive(/401/), 1)

      await page.getByLabel('Token').fill(TOKENS.operator)
      await page.keyboard.press('Enter')
      await page.getByText('No call has come yet').waitFor()
      t.equal(await page.getByRole('link', { name: 'Place a call' }).count(), 1)
      t.match(await page.locator('.who').innerText(), /alice\s+operator/)
    })
  })

  await t.test('a call is watched from its INVITE to its end', async t => {
    const stage = await setConsoleStage(t, { agents: [] })
    await play(t, chromium, async open => {
      const page = await enter(await open(), stage, TOKENS.viewer)
      const call = stage.call({ from: CALLER })
      const row = rowOf(page, CALLER)
      await row.getByText('ringing').waitFor()
      await row.locator('.wait').getByText('agent').waitFor()
      t.match(await row.innerText(), /receptionist/)

      stage.livekit.agents.push(talking('receptionist'))
      const { room } = stage.livekit.rooms()[0]!
      await new AgentDispatchClient(stage.livekit.apiUrl, LIVEKIT_API.apiKey, LIVEKIT_API.apiSecret)
        .createDispatch(String(room['name']), 'receptionist')
      await row.getByText('connected').waitFor()
      t.equal(await page.getByRole('button', { name: /^1\s*connected/ }).count(), 1)

      await call.final
      await call.bye()
      await row.getByText('caller-hung-up').waitFor()
      t.equal(await row.count(), 1, 'it stays for a while')
      t.equal(await page.getByRole('button', { name: /^0\s*active/ }).count(), 1)
    })
  })

  await t.test('the service ends and begins again: the page says so, and shows the calls again', async t => {
    const stage = await setConsoleStage(t)
    await play(t, chromium, async open => {
      const tab = await open()
      const page = await enter(tab, stage, TOKENS.operator)
      const call = stage.call({ from: CALLER })
      const other = stage.call({ from: OTHER_CALLER })
      const row = rowOf(page, CALLER)
      const otherRow = rowOf(page, OTHER_CALLER)
      for (const shown of [row, otherRow]) await shown.getByText('connected').waitFor()
      const { attempts } = await stage.until(({ from }) => from === OTHER_CALLER)

      await stage.stop()
      await page.getByRole('status').filter({ hasText: 'reconnecting' }).waitFor()
      t.equal(await row.count(), 1, 'what was known is still there')
      const hungUp = new Promise<void>(resolve => other.onBye(() => resolve()))
      await new RoomServiceClient(stage.livekit.apiUrl, LIVEKIT_API.apiKey, LIVEKIT_API.apiSecret)
        .deleteRoom(attempts[0]!.room!)
      await hungUp

      await stage.start()
      await page.locator('.connection-live').waitFor()
      // Jambonz retries a hook that failed. If the retry reaches the new process, the page learns that the call ended.
      await otherRow.getByText(/no longer under way|(?<![\w-])lost$/).waitFor()
      await row.getByText('connected').waitFor()
      tab.forgive(/Failed to load resource|ERR_/)

      await call.bye()
      await row.getByText('caller-hung-up').waitFor()
    })
  })

  await t.test('of 5,000 calls only those in sight are in the document', async t => {
    const COUNT = 5000
    const stage = await setConsoleStage(t, { registry: await registryWithMany(COUNT) })
    await play(t, chromium, async open => {
      const page = await enter(await open(), stage, TOKENS.operator)
      const table = page.getByRole('table', { name: /Active calls/ })
      await rowOf(page, numberOf(0)).waitFor()
      t.equal(await table.getAttribute('aria-rowcount'), String(COUNT + 1))
      const rows = () => table.getByRole('row').count()
      t.ok(await rows() < 60, 'at the top')

      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('End')
      await rowOf(page, numberOf(COUNT - 1)).waitFor()
      t.ok(await rows() < 60, 'at the end')
      t.equal(await rowOf(page, numberOf(0)).count(), 0)

      await page.evaluate('scrollTo(0, document.documentElement.scrollHeight / 2)')
      await rowOf(page, numberOf(COUNT / 2)).waitFor()
      t.ok(await rows() < 60, 'in the middle')
    })
  })

  await t.test('by keyboard alone: to a call, and back to where one was', async t => {
    const stage = await setConsoleStage(t, { registry: await registryWithMany(5) })
    await play(t, chromium, async open => {
      const page = await enter(await open(), stage, TOKENS.operator)
      await rowOf(page, numberOf(4)).waitFor()
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('j')
      const focused = page.locator('a:focus')
      await focused.filter({ hasText: numberOf(2) }).waitFor()

      await page.keyboard.press('Enter')
      await page.waitForURL(/#\/call\/call-2$/)
      await page.getByRole('heading', { level: 1 }).filter({ hasText: numberOf(2) }).waitFor()
      await page.keyboard.press('Backspace')
      await focused.filter({ hasText: numberOf(2) }).waitFor()
      t.match(page.url(), /#\/now$|\/console\/$/)

      await page.keyboard.press('/')
      await page.waitForURL(/#\/find/)
    })
  })
})
