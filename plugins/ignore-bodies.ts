import fp from 'fastify-plugin'

/** For a scope whose routes read no body: a request is not refused for the one that it has. */
export default fp(async fastify => {
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume()
    done(null)
  })
}, { name: 'ignore-bodies' })
