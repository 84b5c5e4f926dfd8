import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * After `drain()` the bridge is not ready, and closes each connection after its reply. Once the app closes, new
     * calls are declined.
     */
    draining: {
      readonly active: boolean
      drain(): void
      /** Calls `listener` once when draining begins. */
      onDrain(listener: () => void): void
    }
  }
}

/** Decorates `draining`: what the end of the process means for readiness, connections and new calls. Needs `calls`. */
export default fp(async fastify => {
  let active = false
  const listeners: Array<() => void> = []

  function drain (): void {
    active = true
    for (const listener of listeners.splice(0)) listener()
  }

  fastify.decorate('draining', {
    get active () {
      return active
    },
    drain,
    onDrain: listener => listeners.push(listener)
  })
  fastify.addHook('onSend', async (_request, reply) => {
    if (active) reply.header('connection', 'close')
  })
  fastify.addHook('preClose', async () => {
    drain()
    fastify.calls.drain()
  })
}, { name: 'drain', dependencies: ['call-registry'] })
