import { roomNameOf } from '../../calls/fold/room-name.ts'
import type { JoinWay } from '../../calls/fold/way.ts'
import { remoteNumber } from '../../jambonz/caller.ts'
import { dialRoom } from './room.ts'
import type { DialStrategy } from './strategy.ts'

/**
 * Way `join`: a person is dialled into the room of somebody else's call. LiveKit names a SIP participant by its From
 * user, and removes the participant that has the same one (recorded on livekit-server 1.13.3).
 */
export const join: DialStrategy<JoinWay> = {
  open (way, _context, { tokenOf, roomPrefix }) {
    const token = way.token ?? tokenOf(way.callSid, way.attempt)
    return { token, visits: roomNameOf(roomPrefix, token) }
  },
  dial: ({ joinAs }, { facts }, { token }, config) => ({
    ...dialRoom(token!, config),
    callerId: joinAs ?? remoteNumber(facts)
  })
}
