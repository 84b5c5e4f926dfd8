import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { Clock } from '../../src/clock.ts'
import { digitInfo } from '../../src/sandbox/jambonz/dtmf.ts'
import type { IncomingCall } from '../../src/sip/user-agent.ts'
import { playTransfer } from '../fixtures/jambonz/transfer-stage.ts'
import type { Transfer, TransferScene } from '../fixtures/jambonz/transfer-stage.ts'

interface Scene extends TransferScene {
  name: string
  drive: (transfer: Transfer) => Promise<void>
  /** How many deletions of rooms belong to the story, before the recorder cleaned up. By default none. */
  deletions?: number
}

/** The recordings and prompts of the double last seconds. */
const hurried: Clock = {
  now: systemClock.now,
  schedule: (ms, fn) => systemClock.schedule(ms >= 1000 && ms <= 14_000 ? ms / 50 : ms, fn)
}
const rings = (call: IncomingCall) => call.respond(180)
const refuses = (status: number, reason: string) => (call: IncomingCall) => {
  call.respond(180)
  call.respond(status, reason)
}

/** The person is called, and talks with the agent in the consult room. */
async function consulted ({ rest, livekit }: Transfer): Promise<void> {
  await rest()
  await livekit(2)
}
async function merged (transfer: Transfer): Promise<void> {
  await consulted(transfer)
  await transfer.rest()
  await transfer.livekit(3)
}
/** The caller is redirected to the person's phone, who answers. */
async function screened ({ rest, asked, person }: Transfer): Promise<IncomingCall> {
  await rest()
  await asked('/confirm')
  return await person
}
const presses = (digit: string) => async (transfer: Transfer) => {
  const person = await screened(transfer)
  const { headers, body } = digitInfo({ digit })
  await person.send('INFO', { headers, body })
  await transfer.asked('/confirm-digit')
}
const backWithTheAgent = async ({ asked, livekit }: Transfer) => {
  await asked('/screen-action')
  await livekit(2)
}

let release = (): void => {}
const released = new Promise<void>(resolve => {
  release = resolve
})

const scenes: Scene[] = [
  { name: 'human-busy', person: refuses(486, 'Busy Here'), drive: transfer => transfer.rest() },
  {
    name: 'human-rejects-in-consult',
    drive: async transfer => {
      await consulted(transfer)
      await (await transfer.person).bye()
    }
  },
  {
    name: 'cancelled-while-human-rings',
    person: rings,
    drive: async transfer => {
      await transfer.rest()
      await transfer.status('P', 'ringing')
      await transfer.rest()
    }
  },
  {
    name: 'caller-hangs-up-while-human-rings',
    person: rings,
    drive: async transfer => {
      await transfer.rest()
      await transfer.status('P', 'ringing')
      await transfer.caller.bye()
      await transfer.status('C', 'completed')
      await transfer.rest()
    }
  },
  {
    name: 'agent-ends-consult',
    deletions: 1,
    drive: async transfer => {
      await consulted(transfer)
      await (await transfer.livekit(2)).bye()
    }
  },
  {
    name: 'merge-agent-leaves-caller-hangs-up',
    drive: async transfer => {
      await merged(transfer)
      await transfer.caller.bye()
      await transfer.status('C', 'completed')
      await transfer.rest()
    }
  },
  { name: 'merge-agent-leaves-first', drive: merged },
  {
    name: 'merge-agent-stays-three-party',
    deletions: 1,
    drive: async transfer => {
      await merged(transfer)
      for (const nth of [1, 3]) await (await transfer.livekit(nth)).bye()
    }
  },
  {
    name: 'merge-after-caller-left',
    deletions: 1,
    drive: async transfer => {
      await consulted(transfer)
      await transfer.caller.bye()
      await transfer.status('C', 'completed')
      await transfer.rest()
      await transfer.livekit(3)
      await transfer.rest()
    }
  },
  {
    name: 'merge-hook-500',
    drive: async transfer => {
      await consulted(transfer)
      await transfer.rest()
      await transfer.asked('/merge-hook')
    }
  },
  {
    name: 'merge-hook-empty',
    drive: async transfer => {
      await consulted(transfer)
      await transfer.rest()
    }
  },
  {
    name: 'merge-slow-hook',
    holds: { '/merge-hook': released },
    drive: async transfer => {
      await consulted(transfer)
      await transfer.rest()
      await transfer.asked('/merge-hook')
      t.equal(transfer.stage.jambonz.talks().length, 2, 'the person stays with the consult agent meanwhile')
      release()
      await transfer.livekit(3)
    }
  },
  { name: 'merge-replaced-action-replies-hangup', drive: merged },
  {
    name: 'direct-add',
    drive: async transfer => {
      await consulted(transfer)
      await (await transfer.person).bye()
    }
  },
  { name: 'merge-no-agent-second-leg-answered-by-first', drive: consulted },
  {
    name: 'unscreened',
    drive: async ({ rest, person, caller, stage }) => {
      await rest()
      await person
      await stage.standIn.received(({ body }) => body['to'] === '+15550003333' && body['call_status'] === 'in-progress')
      await caller.bye()
    }
  },
  {
    name: 'screened-accept',
    drive: async transfer => {
      await presses('1')(transfer)
      await (await transfer.person).bye()
    }
  },
  {
    name: 'screened-accept-config',
    drive: async transfer => {
      await presses('1')(transfer)
      await transfer.caller.bye()
    }
  },
  {
    name: 'screened-accept-play-is-pruned',
    drive: async transfer => {
      await presses('1')(transfer)
      await backWithTheAgent(transfer)
    }
  },
  {
    name: 'screened-refuse',
    drive: async transfer => {
      await presses('2')(transfer)
      await backWithTheAgent(transfer)
    }
  },
  {
    name: 'screened-no-digit',
    double: { clock: hurried },
    drive: async transfer => {
      await screened(transfer)
      await backWithTheAgent(transfer)
    }
  },
  {
    name: 'screened-human-hangs-up',
    double: { clock: hurried },
    drive: async transfer => {
      await (await screened(transfer)).bye()
      await backWithTheAgent(transfer)
    }
  },
  {
    name: 'screened-confirm-500',
    drive: async transfer => {
      await screened(transfer)
      await backWithTheAgent(transfer)
    }
  },
  {
    name: 'screened-caller-hangs-up',
    drive: async transfer => {
      await screened(transfer)
      await transfer.caller.bye()
    }
  },
  {
    name: 'screened-no-answer-long',
    person: rings,
    double: { clock: hurried },
    drive: async transfer => {
      await transfer.rest()
      await backWithTheAgent(transfer)
    }
  }
]

for (const { name, drive, deletions = 0, ...scene } of scenes) {
  await t.test(`transfer/${name}`, async t => {
    const transfer = await playTransfer(t, name, scene)
    t.comment(transfer.says)
    await drive(transfer)
    await transfer.compare(t, deletions)
  })
}
