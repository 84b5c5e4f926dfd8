import type { StoreRules } from './calls/store/history.ts'
import type { Settings } from './config.ts'
import { isFailure } from './diagnosis/diagnose.ts'

/** What the store of calls keeps, by the settings. */
export const storeRulesOf = (
  { CALL_HISTORY_S, CALL_HISTORY_MAX }: Pick<Settings, 'CALL_HISTORY_S' | 'CALL_HISTORY_MAX'>
): StoreRules => ({ history: { keptMs: CALL_HISTORY_S * 1000, most: CALL_HISTORY_MAX }, isFailure })
