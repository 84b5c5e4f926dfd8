import t from 'tap'
import { createMemoryRegistry } from '../../src/calls/memory-registry.ts'
import { registryContract } from '../fixtures/registry-contract.ts'

await registryContract(t, async () => createMemoryRegistry())
