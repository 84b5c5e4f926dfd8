import t from 'tap'
import { isToken, roomNameOf, tokenOfRoom } from '../../../src/calls/fold/room-name.ts'
import { tokenOf } from '../../fixtures/events.ts'
import { randomToken } from '../../../src/livekit/token.ts'

await t.test('the name of a room tells its token, and no other name does', async t => {
  for (const token of [tokenOf('call-1', 1), randomToken()]) {
    t.equal(isToken(token), true)
    t.equal(tokenOfRoom('jb', roomNameOf('jb', token)), token)
    const behind = [`jb_${token}a`, `jb_x${token}`, `jb_${token.slice(0, -1)}`, `jb_${token.toUpperCase()}`]
    const before = [token, `jb-${token}`, `jbx_${token}`, `xjb_${token}`]
    for (const name of ['', 'jb', 'jb_', 'jb_call', ...before, ...behind]) {
      t.equal(tokenOfRoom('jb', name), undefined, name)
    }
  }
})
