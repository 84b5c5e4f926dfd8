import type { LogRule } from './log-rule.ts'

/** Every server of Jambonz writes these, when something that it needs does not answer. */
export const JAMBONZ_BACKEND_RULES: readonly LogRule[] = [
  {
    pattern: /^Error connecting to drachtio|ECONNREFUSED [\d.:[\]a-f]{2,45}:9022\b/i,
    code: 'log-backend-down',
    severity: 'failed',
    says: 'A server of Jambonz could not reach drachtio, so it takes and makes no calls',
    todo: 'See that drachtio runs, and that DRACHTIO_HOST, port and secret are its own',
    source: 'jambonz-feature-server, sbc-inbound, sbc-outbound app.js'
  },
  {
    pattern: /^redis error\b|ECONNREFUSED [\d.:[\]a-f]{2,45}:6379\b|getaddrinfo \w{1,20} [\w.-]{0,60}redis/i,
    code: 'log-backend-down',
    severity: 'warning',
    says: 'A server of Jambonz could not use Redis: servers do not find each other then, and calls fail',
    todo: 'See that Redis runs, and that JAMBONES_REDIS_HOST is its address',
    isCommon: true,
    source: 'jambonz realtimedb-helpers index.js'
  },
  {
    pattern:
      /database error for inbound call|ECONNREFUSED [\d.:[\]a-f]{2,45}:3306\b|ER_ACCESS_DENIED_ERROR|^Error looking up account (?:by )?sid\b/i,
    code: 'log-backend-down',
    severity: 'failed',
    says: 'A server of Jambonz could not look something up in its database, and answered 500',
    todo:
      'Look at the error in that line: an account that does not exist, or MySQL that does not run or refuses the ' +
      'user',
    isCommon: true,
    source: 'jambonz sbc-inbound lib/middleware.js, sbc-outbound lib/middleware.js'
  }
]
