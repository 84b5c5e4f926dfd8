/**
 * Waits until all of the work is over, then rejects with the first failure, if there was one. Promise.all would reject
 * while the rest is still under way: whatever the caller does next would run beside it.
 */
export async function allSettled<T> (work: Iterable<Promise<T>>): Promise<T[]> {
  const results = await Promise.allSettled(work)
  const failure = results.find(result => result.status === 'rejected')
  if (failure) throw failure.reason

  return results.map(result => (result as PromiseFulfilledResult<T>).value)
}
