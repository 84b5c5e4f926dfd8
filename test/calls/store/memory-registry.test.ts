import t from 'tap'
import { createMemoryRegistry } from '../../../src/calls/store/memory-registry.ts'
import { registryContract } from '../../fixtures/registry-contract.ts'

await registryContract(t, async () => createMemoryRegistry())
