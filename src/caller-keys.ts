import { commaList } from './comma-list.ts'

/** The name that calls have which were ordered with OPERATOR_TOKEN. */
export const OPERATOR_NAME = 'operator'
/** The name of those that an agent ordered with the token of its call. */
export const AGENT_NAME = 'agent'

/** The keys of CALLERS, in order. A name may have several, while one of them is replaced. */
export const callerKeys = (text: string | undefined): Array<{ name: string, token: string }> =>
  commaList(text).map(item => {
    const [name = '', token = ''] = item.split(':')
    return { name, token }
  })
