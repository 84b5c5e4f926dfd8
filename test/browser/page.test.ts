import type { Page } from 'playwright-core'
import t from 'tap'
import { accessibilityFaults, play, startChromium, withoutChromium, type Tab } from '../fixtures/browser.ts'
import { enter, goTo, rowOf } from '../fixtures/console-page.ts'
import { NUMBERS, setConsoleStage, TOKENS } from '../fixtures/console-stage.ts'
import { numberOf, registryWith, registryWithMany, talkingCall } from '../fixtures/many-calls.ts'

/** What the whole page may weigh when it is first loaded, bytes on the wire. */
const FIRST_LOAD_BYTES = 100_000

const EVIL = '<img src=x onerror="window.fired=1">'

const VIEWS = ['#/now', '#/call/call-0', '#/find', '#/routes', '#/doctor', '#/place']

/** Shows each view in turn, with something in it. */
async function eachView (page: Page, look: (view: string) => Promise<void>): Promise<void> {
  await look('#/now')
  for (const view of VIEWS.slice(1)) {
    await goTo(page, view)
    await look(view)
  }
}

await t.test('every view, in chromium', { skip: withoutChromium }, async t => {
  const chromium = await startChromium(t)

  await t.test('what is wrong with a page is noticed', async t => {
    const stage = await setConsoleStage(t)
    await play(t, chromium, async open => {
      const tab = await open()
      const page = await enter(tab, stage, TOKENS.operator)
      const noticed = page.waitForEvent('console', message => message.text().startsWith('CSP violation'))
      await page.evaluate(`{
        const button = document.createElement('button')
        document.querySelector('main').append(button)
        button.setAttribute('style', 'color: red')
      }`)
      await noticed
      t.ok(tab.forgive(/^console: CSP violation style-src-attr inline/) > 0, 'a style in an attribute')
      tab.forgive(/Content Security Policy/)
      t.match(await accessibilityFaults(tab), [/button-name/], 'a button without a name')
    })
  })

  await t.test('texts of callers are texts, and nothing of them runs', async t => {
    const registry = await registryWith([
      talkingCall('call-0', Date.now() - 5000, { from: EVIL, to: EVIL, callerName: EVIL }, EVIL)
    ])
    const stage = await setConsoleStage(t, { registry })
    stage.call({ from: '+15550002222', displayName: EVIL.replaceAll('"', "'") })
    await stage.until(({ from, phase }) => from === '+15550002222' && phase === 'connected')
    await play(t, chromium, async open => {
      const page = await enter(await open(), stage, TOKENS.operator)
      await rowOf(page, EVIL).waitFor()
      for (const view of ['#/call/call-0', '#/find']) {
        await goTo(page, view)
        await page.getByText(EVIL).first().waitFor()
      }
      t.equal(await page.evaluate('document.images.length'), 0)
      t.equal(await page.evaluate('window.fired'), undefined)
    })
  })

  await t.test('axe-core finds nothing serious, in light and dark', async t => {
    const stage = await setConsoleStage(t, { registry: await registryWithMany(30) })
    stage.call({ from: '+15550003333', to: NUMBERS.nobody })
    const failed = await stage.until(({ from, phase }) => from === '+15550003333' && phase === 'ended')
    await play(t, chromium, async open => {
      const tab = await open()
      await tab.page.goto(`${stage.url}/console/`)
      await tab.page.getByLabel('Token').waitFor()
      t.same(await inBothSchemes(tab), [], 'sign in')

      const page = await enter(tab, stage, TOKENS.operator)
      await rowOf(page, numberOf(0)).waitFor()
      await eachView(page, async view => {
        t.same(await inBothSchemes(tab), [], view)
      })
      await goTo(page, `#/call/${failed.callSid}`)
      await page.getByRole('heading', { name: 'What to do' }).waitFor()
      t.same(await inBothSchemes(tab), [], 'a failed call')
    })

    async function inBothSchemes (tab: Tab): Promise<string[]> {
      const found: string[] = []
      for (const colorScheme of ['light', 'dark'] as const) {
        await tab.page.emulateMedia({ colorScheme })
        found.push(...(await accessibilityFaults(tab)).map(fault => `${colorScheme}: ${fault}`))
      }
      return found
    }
  })

  await t.test('a screen of 360 pixels is never scrolled sideways', async t => {
    const stage = await setConsoleStage(t, { registry: await registryWithMany(30) })
    stage.call({ from: '+15550003333' })
    const talks = await stage.until(({ from, phase }) => from === '+15550003333' && phase === 'connected')
    await play(t, chromium, async open => {
      const page = await enter(await open({ width: 360, height: 740 }), stage, TOKENS.operator)
      await rowOf(page, numberOf(0)).waitFor()
      const width = () => page.evaluate('document.documentElement.scrollWidth')
      await eachView(page, async view => {
        t.equal(await width(), 360, view)
      })
      await goTo(page, `#/call/${talks.callSid}`)
      await page.getByRole('list', { name: /Steps of the call/ }).waitFor()
      t.equal(await width(), 360, 'a call with a ladder')
    })
  })

  await t.test('the first load is light, and comes from the bridge alone', async t => {
    const stage = await setConsoleStage(t)
    await play(t, chromium, async open => {
      const tab = await open()
      let bytes = 0
      tab.devtools.on('Network.loadingFinished', ({ encodedDataLength }) => {
        bytes += encodedDataLength
      })
      await tab.devtools.send('Network.enable')
      const page = await enter(tab, stage, TOKENS.operator)
      await page.getByText('No call has come yet').waitFor()
      t.ok(tab.requests.length > 10)
      t.ok(bytes > 20_000, 'it was counted')
      t.ok(bytes <= FIRST_LOAD_BYTES, `${bytes} bytes`)
    })
  })
})
