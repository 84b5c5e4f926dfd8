import t from 'tap'
import { createMemoryRegistry } from '../../../src/calls/store/memory-registry.ts'
import { historyContract } from '../../fixtures/history-contract.ts'
import { registryContract } from '../../fixtures/registry-contract.ts'

await registryContract(t, async () => createMemoryRegistry())

await t.test('history', t => historyContract(t, async (rules, clock) => createMemoryRegistry({ rules, clock })))
