/**
 * Answers a phone call with three tones, plays a tone for each key press, and hangs up on # or after a minute. With
 * PEOPLE, keys call a person: see caller-job.ts. It needs no model and no API key. It shows what an agent must do for a
 * call; put your own agent in its place.
 */
import { fileURLToPath } from 'node:url'
import { AutoSubscribe, cli, defineAgent, ServerOptions, type JobContext } from '@livekit/agents'
import { talkWithCaller } from './caller-job.ts'
import { readJob } from './call.ts'
import { talkWithPerson } from './person-job.ts'

export default defineAgent({
  entry: async (ctx: JobContext) => {
    const { transfer, control, ...job } = readJob(ctx.job.metadata)
    await ctx.connect(undefined, AutoSubscribe.AUDIO_ONLY)
    if (transfer && control) await talkWithPerson(ctx, { transfer, control })
    else await talkWithCaller(ctx, { control, ...job })
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
