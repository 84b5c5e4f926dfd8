import type { Finding } from '../finding.ts'

/** A hook as Jambonz' REST API shows it; the password may be missing. */
export interface ApplicationHook {
  webhook_sid?: string
  url: string
  method?: string
  username?: string | null
  password?: string | null
}
export interface Application {
  application_sid: string
  account_sid?: string
  name: string
  call_hook?: ApplicationHook | null
  call_status_hook?: ApplicationHook | null
  messaging_hook?: ApplicationHook | null
}
export interface PhoneNumber {
  number: string
  application_sid?: string | null
}
export interface ApplicationState {
  applications: Application[]
  numbers: PhoneNumber[]
}

export interface ApplicationWish {
  publicUrl: string
  accountSid: string
  /** Basic authentication of the hooks. */
  basic?: { username: string, password: string }
}

/** What is sent to create or change an application. */
export interface ApplicationBody {
  name?: string
  account_sid?: string
  call_hook: ApplicationHook
  call_status_hook: ApplicationHook
  messaging_hook?: ApplicationHook
}
export interface ApplicationChange {
  do: 'create' | 'update'
  /** Empty for what is not made yet. */
  id: string
  name: string
  /** Passwords are named, never shown. */
  fields: Array<{ name: string, from?: string, to: string }>
  body: ApplicationBody
}
export interface ApplicationPlan {
  changes: ApplicationChange[]
  findings: Finding[]
}

/**
 * Two more tries, whatever failed: by default Jambonz tries a hook once (feature-server lib/utils/base-requestor.js).
 */
const RETRIES = '#rc=2&rp=all'
const STATUS_PATHS = ['/status', '/call-status']

/** The hooks that an application of this bridge has. */
export function applicationHooks (publicUrl: string): { callHook: string, statusHook: string } {
  const base = publicUrl.replace(/\/+$/, '')
  return { callHook: `${base}/livekit-api${RETRIES}`, statusHook: `${base}/status${RETRIES}` }
}

/**
 * What is to be done so that Jambonz has an application that calls this bridge. Applications have no metadata: those
 * whose call hook is ours are ours, and no other one is touched. There may be several, with other application
 * variables.
 */
export function planApplication (wish: ApplicationWish, { applications, numbers }: ApplicationState): ApplicationPlan {
  const ours = ourApplications(wish, applications)
  if (ours.length === 0) {
    const change = creation(wish)
    const elsewhere = ofAccount(wish, applications).filter(({ call_hook: hook }) =>
      hook && /\/livekit-api$/.test(bare(hook.url))
    )
    return {
      changes: [change],
      findings: [
        ...elsewhere.map(({ name, call_hook: hook }) => ({
          code: 'application-elsewhere' as const,
          severity: 'warning' as const,
          seen: `Jambonz application "${name}" calls a bridge at ${bare(hook?.url ?? '')}`,
          todo: 'If that was this bridge before PUBLIC_URL changed, give its numbers the new application and delete it'
        })),
        withoutNumbers(change.name)
      ]
    }
  }
  return {
    changes: ours.flatMap(application => update(wish, application)),
    findings: ours.map(({ name, application_sid: sid }) => {
      const used = numbers.filter(number => number.application_sid === sid).map(({ number }) => number)
      return used.length > 0
        ? {
            code: 'application-numbers' as const,
            severity: 'ok' as const,
            seen: `Jambonz application "${name}" has the numbers ${used.join(', ')}`
          }
        : withoutNumbers(name)
    })
  }
}

/** Those that call this bridge. */
export function ourApplications (wish: ApplicationWish, applications: readonly Application[]): Application[] {
  const { callHook } = applicationHooks(wish.publicUrl)
  return ofAccount(wish, applications).filter(({ call_hook: hook }) => hook && bare(hook.url) === bare(callHook))
}

const ofAccount = ({ accountSid }: ApplicationWish, applications: readonly Application[]): Application[] =>
  applications.filter(({ account_sid: account }) => account === undefined || account === accountSid)

function withoutNumbers (name: string): Finding {
  return {
    code: 'application-without-numbers',
    severity: 'warning',
    seen: `No phone number uses the Jambonz application "${name}"`,
    todo: 'Choose it for a number in the portal (Phone numbers), or for a carrier that sends all its calls to it'
  }
}

/** URL without what only tells Jambonz how often to try, and without a slash at the end. */
function bare (url: string): string {
  return url.trim().replace(/[#?].*$/, '').replace(/\/+$/, '')
}

/** Tries again whatever failed; how often is the operator's choice. */
const retries = (url: string) => /#.*\brc=[1-5]/.test(url) && /#.*\brp=all\b/.test(url)

function creation (wish: ApplicationWish): ApplicationChange {
  const { callHook, statusHook } = applicationHooks(wish.publicUrl)
  // Names are unique in an account.
  const name = `LiveKit bridge ${bare(wish.publicUrl).replace(/^https?:\/\//, '')}`
  const body = {
    name,
    account_sid: wish.accountSid,
    call_hook: { url: callHook, method: 'POST', ...wish.basic },
    call_status_hook: { url: statusHook, method: 'POST', ...wish.basic }
  }
  return {
    do: 'create',
    id: '',
    name,
    body,
    fields: [
      { name: 'call_hook', to: `POST ${callHook}` },
      { name: 'call_status_hook', to: `POST ${statusHook}` },
      ...(wish.basic ? [{ name: 'basic authentication', to: `user ${wish.basic.username} (password not shown)` }] : [])
    ]
  }
}

function update (wish: ApplicationWish, application: Application): ApplicationChange[] {
  const { call_hook: callHook, call_status_hook: statusHook } = application
  const hooks = applicationHooks(wish.publicUrl)
  const fields: ApplicationChange['fields'] = []
  // A call hook without retries is fine; its method, which decides whether there is a body at all, is not a matter of
  // taste.
  const call = { ...callHook, url: callHook?.url ?? hooks.callHook }
  if (upper(call.method) !== 'POST') fields.push({ name: 'call_hook.method', from: upper(call.method), to: 'POST' })
  const status = { ...statusHook, url: statusHook?.url ?? '' }
  const statusFits = STATUS_PATHS.some(path => bare(status.url) === bare(wish.publicUrl) + path) && retries(status.url)
  if (!statusFits) fields.push({ name: 'call_status_hook.url', from: status.url || '(none)', to: hooks.statusHook })
  if (status.url !== '' && upper(status.method) !== 'POST') {
    fields.push({ name: 'call_status_hook.method', from: upper(status.method), to: 'POST' })
  }
  for (const [name, hook] of [['call_hook', call], ['call_status_hook', status]] as const) {
    if (!wish.basic || hook.url === '') continue
    if (hook.username !== wish.basic.username) {
      fields.push({ name: `${name}.username`, from: hook.username || '(none)', to: wish.basic.username })
    } else if (hook.password && hook.password !== wish.basic.password) {
      // Not every version of the API shows it.
      fields.push({ name: `${name}.password`, from: '(not shown)', to: '(another, not shown)' })
    }
  }
  if (fields.length === 0) return []
  const changed = (hook: ApplicationHook, url: string): ApplicationHook => ({
    ...(hook.webhook_sid !== undefined && { webhook_sid: hook.webhook_sid }),
    url,
    method: 'POST',
    ...wish.basic
  })
  const body: ApplicationBody = {
    call_hook: changed(call, call.url),
    // One webhook for both would become the status hook altogether.
    call_status_hook: changed(
      status.webhook_sid === call.webhook_sid ? { url: '' } : status,
      statusFits ? status.url : hooks.statusHook
    ),
    // The API takes a hook that is left out for one that is to be removed (jambonz-api-server
    // lib/routes/api/applications.js).
    ...(application.messaging_hook && { messaging_hook: application.messaging_hook })
  }
  return [{ do: 'update', id: application.application_sid, name: application.name, fields, body }]
}

const upper = (method: string | undefined) => (method ?? 'POST').toUpperCase()
