import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { createConsoleFiles, type ConsoleFile, type Encoding } from '../src/console/files.ts'

/**
 * Serves the console, the page for operators, under `/console/`. Everybody may load it: it holds no data, and asks for
 * a token before it asks the operator API. Its addresses are relative, so it works below the path prefix of an ingress.
 */
export default fp(async fastify => {
  const files = createConsoleFiles()
  const route = { config: { operation: 'console' }, schema: { hide: true } }

  // Relative, because only the ingress knows its path prefix.
  fastify.get('/console', route, (_request, reply) => reply.redirect('console/'))

  fastify.get('/console/', route, async (request, reply) => sendFile(request, reply, await files.page('index.html')))

  fastify.get<{ Params: { name: string } }>('/console/:name', route, async (request, reply) =>
    sendFile(request, reply, await files.page(request.params.name)))

  fastify.get<{ Params: { name: string } }>('/console/vendor/:name', route, async (request, reply) =>
    sendFile(request, reply, await files.vendor(request.params.name)))
}, { name: 'console', dependencies: ['rate-limit', 'request-log'] })

/**
 * The page runs its own files and asks this server, and that is all. It makes no HTML from text: caller names and
 * numbers are chosen by callers, so browsers that know Trusted Types refuse to parse any.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'"
].join('; ')

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // The files of one version fit together, so a browser asks each time whether it has the newest.
  'cache-control': 'no-cache',
  vary: 'accept-encoding'
}

function sendFile (request: FastifyRequest, reply: FastifyReply, file: ConsoleFile | undefined): FastifyReply {
  if (!file) {
    reply.callNotFound()
    return reply
  }

  reply.headers({ ...HEADERS, etag: file.etag })
  if (hasNewest(request.headers['if-none-match'], file.etag)) return reply.code(304).send()

  const encoding = acceptedEncoding(request.headers['accept-encoding'])
  if (encoding) reply.header('content-encoding', encoding)
  return reply.type(file.type).send(encoding ? file.encoded[encoding] : file.plain)
}

/** Whether the browser says that it has the file (RFC 9110, 13.1.2). */
const hasNewest = (ifNoneMatch = '', etag: string): boolean =>
  ifNoneMatch.split(',').some(candidate => candidate.trim() === etag)

/** The best encoding that the browser names, unless it excludes it with `;q=0`. */
function acceptedEncoding (acceptEncoding: string | string[] = ''): Encoding | undefined {
  const accepted = String(acceptEncoding)
    .toLowerCase()
    .split(',')
    .map(part => part.trim())
    .filter(part => !/;\s*q=0(?:\.0*)?$/.test(part))
    .map(part => part.split(';')[0]!.trim())
  const encodings: Encoding[] = ['br', 'gzip']
  return encodings.find(encoding => accepted.includes(encoding))
}
