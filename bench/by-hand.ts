import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import express from 'express'
import { AgentDispatchClient, RoomServiceClient } from 'livekit-server-sdk'
import { AGENT, API_KEY, API_SECRET, livekitUrl, port, ROOM_PREFIX, SIP_HOST, WEBHOOK_SECRET } from './environment.ts'

/*
 * What one would write in an afternoon: Express, LiveKit's SDK as its documentation shows it, the room first and the
 * agent's dispatch after it. It remembers nothing of the call.
 */

const rooms = new RoomServiceClient(livekitUrl(), API_KEY, API_SECRET)
const dispatches = new AgentDispatchClient(livekitUrl(), API_KEY, API_SECRET)
const app = express()

app.use(express.json({
  verify (request: IncomingMessage, _response, raw) {
    const [, time, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(request.headers['jambonz-signature'])) ?? []
    const expected = createHmac('sha256', WEBHOOK_SECRET).update(`${time}.`).update(raw).digest()
    if (signature === undefined || !timingSafeEqual(expected, Buffer.from(signature, 'hex'))) {
      throw new Error('not signed')
    }
  }
}))

app.post('/livekit-api', async (request, response) => {
  const { call_sid: callSid, from, to } = request.body
  const room = `${ROOM_PREFIX}_${callSid}`
  await rooms.createRoom({
    name: room,
    emptyTimeout: 100,
    departureTimeout: 10,
    metadata: JSON.stringify({ callSid, from, to })
  })
  await dispatches.createDispatch(room, AGENT, { metadata: JSON.stringify({ callSid, from, to }) })
  response.json([{
    verb: 'dial',
    answerOnBridge: true,
    callerId: from,
    target: [{
      type: 'sip',
      sipUri: `sip:${callSid}@${SIP_HOST};transport=tcp`,
      auth: { username: 'jambonz', password: 'trunk-password' }
    }]
  }])
})

app.listen(port(), '127.0.0.1')
