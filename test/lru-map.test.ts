import t from 'tap'
import { LruMap } from '../src/lru-map.ts'

await t.test('the entry that was used least recently is evicted', async t => {
  const evicted: Array<[string, number]> = []
  const map = new LruMap<string, number>(2, (key, value) => evicted.push([key, value]))
  map.set('a', 1)
  map.set('b', 2)
  t.equal(map.get('a'), 1, 'which is a use')
  map.set('c', 3)
  t.same(['a', 'b', 'c'].map(key => map.get(key)), [1, undefined, 3])
  t.same(evicted, [['b', 2]])
  map.set('a', 4)
  map.set('d', 5)
  t.same(evicted, [['b', 2], ['c', 3]], 'and so is writing it again')
})

await t.test('a deleted entry makes room and is not evicted', async t => {
  const map = new LruMap<string, number>(1, () => t.fail('nothing is evicted'))
  map.set('a', 1)
  t.equal(map.delete('a'), true)
  t.equal(map.delete('a'), false)
  map.set('b', 2)
  t.equal(map.size, 1)
  t.equal(map.has('a'), false)
  t.equal(map.has('b'), true)
})
