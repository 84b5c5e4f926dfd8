import { commaList } from './comma-list.ts'

/** The name of a token of OPERATOR_TOKEN that has none. */
export const OPERATOR_NAME = 'operator'
/** The name of a token of VIEWER_TOKEN that has none. */
export const VIEWER_NAME = 'viewer'
/** The name that those calls have which an agent ordered with the token of its call. */
export const AGENT_NAME = 'agent'

export interface Key {
  name: string
  token: string
}

/** The keys of CALLERS, in order. A name may have several, while one of them is replaced. */
export const callerKeys = (text: string | undefined): Key[] =>
  commaList(text).map(item => {
    const [name = '', token = ''] = item.split(':')
    return { name, token }
  })

/**
 * The keys of OPERATOR_TOKEN or VIEWER_TOKEN, in order.
 * @param nameless the name of a token that has none
 */
export const staffKeys = (text: string | undefined, nameless: string): Key[] =>
  commaList(text).map(item => {
    const [token, name = nameless] = item.split(':').reverse()
    return { name, token: token! }
  })
