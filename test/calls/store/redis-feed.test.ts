import { EventEmitter, once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Feed } from '../../../src/calls/store/feed.ts'
import { connectRedis } from '../../../src/calls/store/redis-client.ts'
import { RedisRegistry } from '../../../src/calls/store/redis-registry.ts'
import { systemClock } from '../../../src/clock.ts'
import { startRedis, withoutRedis, type RedisServer } from '../../fixtures/redis-server.ts'

const KEYS = 'bridge:feed'

async function open (t: Test, { url }: Pick<RedisServer, 'url'>, keyPrefix = KEYS): Promise<Feed> {
  const connection = await connectRedis(url, { clock: systemClock, waitMs: 60_000 })
  const registry = new RedisRegistry({ connection, keyPrefix, clock: systemClock })
  t.teardown(() => registry.close())
  return registry.feed
}

/** What a listener hears, as events `message` and `gap`. */
function listen (feed: Feed): EventEmitter & { stop(): void } {
  const heard = new EventEmitter()
  const stop = feed.listen({
    message: text => heard.emit('message', text),
    gap: () => heard.emit('gap'),
    failed: error => heard.emit('failed', error)
  })
  return Object.assign(heard, { stop })
}

await t.test('processes tell each other news', { skip: withoutRedis }, async t => {
  const redis = await startRedis(t)

  await t.test('all who listen hear it, but for the one who tells', async t => {
    const [teller, one, two] = [await open(t, redis), await open(t, redis), await open(t, redis)]
    t.equal(await teller.tell('to nobody'), 0)

    const heard = [listen(teller), listen(one), listen(two)] as const
    await Promise.all(heard.map(listener => once(listener, 'gap')))
    const own: string[] = []
    heard[0].on('message', text => own.push(text))
    const messages = [once(heard[1], 'message'), once(heard[2], 'message')]
    t.equal(await teller.tell('news: ü {"a":1}'), 3)
    t.same(await Promise.all(messages), [['news: ü {"a":1}'], ['news: ü {"a":1}']])
    // What was told before must have come before this answer.
    const answer = once(heard[0], 'message')
    await one.tell('answer')
    await answer
    t.same(own, ['answer'])

    heard[1].stop()
    heard[2].stop()
    let listeners = await teller.tell('again')
    while (listeners !== 1) listeners = await teller.tell('again')
    t.equal(listeners, 1, 'whoever stopped is not there any more')
  })

  await t.test('bridges of other LiveKit projects hear nothing', async t => {
    const [mine, theirs] = [await open(t, redis), await open(t, redis, 'bridge:other')]
    const heard = listen(theirs)
    await once(heard, 'gap')
    t.equal(await mine.tell('private'), 0)
  })
})

await t.test('a Redis that was gone is listened to again, and says that something may be missing', {
  skip: withoutRedis
}, async t => {
  const redis = await startRedis(t)
  const [teller, listener] = [await open(t, redis), await open(t, redis)]
  const heard = listen(listener)
  await once(heard, 'gap')

  const again = once(heard, 'gap')
  await redis.kill()
  t.equal(await teller.tell('lost'), undefined, 'it does not reject')
  await redis.start()
  await again
  const message = once(heard, 'message')
  while (await teller.tell('back') === undefined) await nextTurn()
  t.same(await message, ['back'])
})

await t.test('a user who may not use the channel tells nobody', { skip: withoutRedis }, async t => {
  const redis = await startRedis(t)
  const admin = await connectRedis(redis.url, { clock: systemClock, waitMs: 60_000 })
  t.teardown(() => admin.close())
  await admin.redis.call('acl', 'setuser', 'limited', 'on', '>secret', '~*', '+@all', 'resetchannels')
  const feed = await open(t, { url: redis.url.replace('//', '//limited:secret@') })
  t.equal(await feed.tell('anything'), undefined)
  t.match(await once(listen(feed), 'failed'), [/NOPERM/], 'and learns why it hears nothing')
})
