/**
 * One-shot: makes the SIP trunk and the dispatch rule in LiveKit, as soon as LiveKit answers. Safe to run again.
 * Runs in the bridge's image, from /app/deploy/compose, next to the compiled code.
 * Exit status 0: they are there; 1: they are not, and stderr says why.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { SipClient } from 'livekit-server-sdk'
import { ensureProvisioned } from '../../dist/src/provisioning/livekit.js'

const WAIT_S = 60
const REQUEST_TIMEOUT_S = 5
const PAUSE_MS = 1000

const env = process.env
const required = ['LIVEKIT_URL', 'LIVEKIT_API_KEY', 'LIVEKIT_API_SECRET', 'LIVEKIT_SIP_USERNAME', 'LIVEKIT_SIP_PASSWORD', 'LIVEKIT_AGENT_NAME']
const missing = required.filter(name => !env[name])
if (missing.length > 0) fail(`not set: ${missing.join(', ')}`)

const dialTimeoutS = seconds('DIAL_TIMEOUT_S', 40)
const maxCallDurationS = seconds('MAX_CALL_DURATION_S', 7200)

const sip = new SipClient(env.LIVEKIT_URL, env.LIVEKIT_API_KEY, env.LIVEKIT_API_SECRET, { requestTimeout: REQUEST_TIMEOUT_S })
const settings = {
  livekitSipUsername: env.LIVEKIT_SIP_USERNAME,
  livekitSipPassword: env.LIVEKIT_SIP_PASSWORD,
  livekitRoomPrefix: env.LIVEKIT_ROOM_PREFIX || 'jambonz',
  livekitAgentName: env.LIVEKIT_AGENT_NAME,
  dialTimeoutS,
  maxCallDurationS
}

const giveUpAt = Date.now() + WAIT_S * 1000
for (;;) {
  try {
    const { trunk, rule } = await ensureProvisioned(sip, settings)
    console.log(`setup: trunk ${trunk.id} ${said(trunk)}; dispatch rule ${rule.id} ${said(rule)}`)
    break
  } catch (error) {
    // Only a LiveKit that is still starting is worth waiting for; a refusal would be the same in a minute.
    if (error.finding?.code !== 'livekit-unreachable' || Date.now() >= giveUpAt) fail(error.message)
    await sleep(PAUSE_MS)
  }
}
if (env.JAMBONZ_WEBHOOK_SECRET?.startsWith('dev-only')) {
  console.warn('setup: JAMBONZ_WEBHOOK_SECRET is the development default, so Jambonz\'s hooks will be refused. Put the webhook secret of your Jambonz account into .env')
}

function seconds (name, otherwise) {
  const value = Number(env[name] || otherwise)
  if (!Number.isInteger(value) || value < 1) fail(`${name} must be a whole number of seconds`)
  return value
}

function said ({ did, changed }) {
  return did === 'updated' ? `updated (${changed.join(', ')})` : did === 'created' ? 'created' : 'as it should be'
}

function fail (message) {
  console.error(`setup: ${message}`)
  process.exit(1)
}
