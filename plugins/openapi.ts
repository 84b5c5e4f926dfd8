import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import { webhooks } from '../src/events/webhooks.ts'

/** Serves the OpenAPI 3.1 document (`/docs/json`) and its page (`/docs`). */
export default fp<{ version: string }>(async (fastify, { version }) => {
  await fastify.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'jambonz-livekit-bridge',
        version,
        description:
          'Connects phone calls on Jambonz to voice agents in LiveKit rooms.\n\nJambonz calls the hooks, LiveKit ' +
          'sends its events, and operators look at calls and end them.',
        license: { name: 'MIT', identifier: 'MIT' }
      },
      servers: [{ url: '/', description: 'This bridge' }],
      tags: [
        { name: 'jambonz', description: 'Hooks that Jambonz calls' },
        { name: 'livekit', description: 'Events that LiveKit sends' },
        { name: 'operators', description: 'For operators: place calls, look at them and end them' },
        { name: 'events', description: "Signed webhooks that the bridge sends to the user's systems" },
        { name: 'service', description: 'Health and metrics' }
      ],
      webhooks: webhooks() as never,
      components: {
        securitySchemes: {
          jambonzSignature: {
            type: 'apiKey',
            in: 'header',
            name: 'Jambonz-Signature',
            description: '`t=<unix seconds>,v1=<hex HMAC-SHA256(webhook secret, "<t>." + raw body)>`'
          },
          hookBasic: {
            type: 'http',
            scheme: 'basic',
            description: "HTTP_USERNAME and HTTP_PASSWORD, as set on the Jambonz application's hooks"
          },
          livekitJwt: {
            type: 'apiKey',
            in: 'header',
            name: 'Authorization',
            description: 'JWT signed with the LiveKit API secret, with the SHA-256 of the raw body'
          },
          operatorToken: {
            type: 'http',
            scheme: 'bearer',
            description: 'A token of OPERATOR_TOKEN. Where nothing changes, one of VIEWER_TOKEN will do'
          },
          callerKey: {
            type: 'http',
            scheme: 'bearer',
            description: 'A key of CALLERS. It may place calls, and list, read and control those that it ordered'
          },
          callToken: {
            type: 'http',
            scheme: 'bearer',
            description:
              "`control.token` of an agent's job metadata. It may read and control this one call, while the call lasts"
          }
        }
      }
    },
    refResolver: {
      buildLocalReference: (schema, _baseUri, _fragment, i) => typeof schema.$id === 'string' ? schema.$id : `def-${i}`
    }
  })
  await fastify.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    transformStaticCSP,
    uiConfig: { persistAuthorization: true, docExpansion: 'list' }
  })
}, { name: 'openapi' })

/** Hash of the one inline style that Swagger UI has, in its logo: `.logo_small_svg__cls-2{fill:#fff}…`. */
const LOGO_STYLE = "'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='"

/**
 * Lets the page use its own style. Inside a cluster the page is served over plain http, where an upgrade to https would
 * leave it blank.
 */
const transformStaticCSP = (csp: string): string =>
  csp.replace(/upgrade-insecure-requests;?/, '').replace(/style-src /, `style-src ${LOGO_STYLE} `)
