import { readFileSync } from 'node:fs'
import t from 'tap'
import { settingsWarnings } from '../../src/config.ts'
import { isOlder, runtimeCheck, runtimeFindings } from '../../src/doctor/runtime.ts'
import { codes, contextWith, run, settingsWith } from '../fixtures/doctor-check.ts'
import { project } from '../fixtures/paths.ts'

await t.test('this process', async t => {
  const { version } = JSON.parse(
    readFileSync(project('node_modules/livekit-server-sdk/package.json'), 'utf8')
  ) as { version: string }
  t.same(await run(runtimeCheck, contextWith()), [{
    code: 'runtime-ok',
    severity: 'ok',
    seen: `Node.js ${process.versions.node}, livekit-server-sdk ${version}`
  }])
})

await t.test('what is too old', async t => {
  const settings = settingsWith()
  t.same(codes(runtimeFindings({ node: '20.18.9', sdk: '2.16.0', settings })), ['node-old'])
  t.same(codes(runtimeFindings({ node: '22.0.0', sdk: '2.15.2', settings })), ['livekit-sdk-old'])
  t.same(codes(runtimeFindings({ node: '18.20.0', sdk: '1.2.7', settings })), ['node-old', 'livekit-sdk-old'])
  t.same(codes(runtimeFindings({ node: '20.19.0', sdk: undefined, settings })), ['runtime-ok'])
})

await t.test('settings that are seldom meant, as the service says at its start', async t => {
  const settings = settingsWith({
    LIVEKIT_SIP_USERNAME: '',
    LIVEKIT_SIP_PASSWORD: '',
    ALLOW_UNSIGNED_HOOKS: 'true',
    OPERATOR_TOKEN: ''
  })
  const findings = runtimeFindings({ node: '22.0.0', sdk: '2.19.0', settings }).slice(1)
  t.same(findings.map(({ seen }) => seen), settingsWarnings(settings))
  t.equal(findings.length, 3)
  t.ok(findings.every(({ code, severity }) => code === 'settings-unwise' && severity === 'warning'))
})

await t.test('versions', async t => {
  for (
    const [own, other, older] of [
      ['6.2.0', '6.2.0', false],
      ['6.0.16', '6.2.0', true],
      ['7.2.4', '6.2.0', false],
      ['20.9.0', '20.19.0', true],
      ['21.0.0-nightly', '20.19.0', false],
      ['255.255.255', '6.2.0', false]
    ] as const
  ) t.equal(isOlder(own, other), older, `${own} ${other}`)
})
