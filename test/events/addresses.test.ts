import { BlockList } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { isPublicAddress } from '../../src/events/addresses.ts'

await t.test('addresses of networks that are not public', async t => {
  const private4 = [
    '0.0.0.0', '10.255.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.9.9.9', '169.254.169.254',
    '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.168.1.1', '198.18.0.1', '198.19.255.255',
    '198.51.100.7', '203.0.113.9', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'
  ]
  const private6 = [
    '::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::127.0.0.1', '64:ff9b::a00:1', '64:ff9b:1::1',
    '100::1', '2001::1', '2001:db8::1', '2002:7f00:1::', '3fff::1', '3fff:fff::1', 'fc00::1', 'fd12:3456::1', 'fe80::1',
    'fe80::1%eth0', 'fec0::1', 'ff02::1', '5f00::1'
  ]
  for (const address of [...private4, ...private6]) t.equal(isPublicAddress(address), false, address)
})

await t.test('addresses beside them', async t => {
  const public4 = [
    '1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.1',
    '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.0', '192.167.255.255',
    '192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255'
  ]
  const public6 = [
    '2001:200::1', '2606:4700::1111', '2a00:1450::1', '2003::1', '3ffe::1'
  ]
  for (const address of [...public4, ...public6]) t.equal(isPublicAddress(address), true, address)
})

await t.test('what is no address is not public', async t => {
  for (const text of ['', 'localhost', '1.1.1', '1.1.1.1.1', '0x7f.1', '[::1]']) t.equal(isPublicAddress(text), false)
})

await t.test('no address of the private networks is public', async () => {
  const networks: ReadonlyArray<[string, number]> = [['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16]]
  const list = new BlockList()
  for (const [network, prefix] of networks) list.addSubnet(network, prefix)
  fc.assert(fc.property(fc.ipV4(), address => !list.check(address) || !isPublicAddress(address)))
})
