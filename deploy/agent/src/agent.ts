/**
 * Answers a phone call with three tones, plays a tone for each key press, and hangs up on # or after a minute. With
 * PEOPLE, keys call a person: see caller-job.ts. It needs no model and no API key. It shows what an agent must do for a
 * call; put your own agent in its place.
 */
import { fileURLToPath } from 'node:url'
import { AutoSubscribe, cli, defineAgent, log, ServerOptions, type JobContext } from '@livekit/agents'
import { openLine } from './audio.ts'
import { talkWithCaller } from './caller-job.ts'
import { talkWithPerson } from './person-job.ts'
import { untilCalled } from './room.ts'

export default defineAgent({
  entry: async (ctx: JobContext) => {
    await ctx.connect(undefined, AutoSubscribe.AUDIO_ONLY)
    // Publish before waiting for anything: LiveKit answers the phone only after an agent has published audio.
    const line = await openLine(ctx)
    const job = await untilCalled(ctx, line.over.signal)
    // From here on an agent knows whom it will talk with, while the phone still rings: the time to look them up.
    log().info({ callSid: job?.call?.callSid, warm: job?.mode === 'warm' }, job ? 'called' : 'nobody called')
    if (job?.transfer && job.control) await talkWithPerson(ctx, { transfer: job.transfer, control: job.control }, line)
    else if (job) await talkWithCaller(ctx, job, line)
    ctx.shutdown('call is over')
  }
})

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  cli.runApp(
    new ServerOptions({
      agent: fileURLToPath(import.meta.url),
      agentName: process.env.LIVEKIT_AGENT_NAME ?? 'example-agent',
      // Only this machine or container may read the worker's health page.
      host: '127.0.0.1'
    })
  )
}
