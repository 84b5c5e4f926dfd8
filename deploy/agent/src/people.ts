/**
 * Whom the agent may call: names, and numbers that only this program knows. The model chooses a name. If it chose
 * numbers, any caller could talk it into an expensive one. The bridge's number policy is the second fence.
 */
export class People {
  readonly #numbers: ReadonlyMap<string, string>

  constructor (numbers: ReadonlyMap<string, string>) {
    this.#numbers = numbers
  }

  /**
   * Reads a setting such as `sales=+15550003333, support=+15550004444`.
   * @throws {Error} an entry is not `name=number`
   */
  static read (setting = ''): People {
    const entries = setting.split(',').map(entry => entry.trim()).filter(entry => entry !== '')
    return new People(
      new Map(entries.map((entry, n) => {
        const [, name, number] = /^([^=]*[^=\s])\s*=\s*(\+[0-9]{3,15})$/.exec(entry) ?? []
        // The entry itself may hold a private number.
        if (!name || !number) throw new Error(`PEOPLE: entry ${n + 1} is not like sales=+15550003333`)
        return [name, number]
      }))
    )
  }

  get names (): string[] {
    return [...this.#numbers.keys()]
  }

  /** @throws {UnknownPersonError} */
  numberOf (name: string): string {
    const number = this.#numbers.get(name)
    if (number === undefined) throw new UnknownPersonError(this.names)
    return number
  }
}

/** Nobody has that name. The message is for the model. */
export class UnknownPersonError extends Error {
  constructor (names: string[]) {
    super(names.length === 0 ? 'There is nobody to call.' : `There is nobody of that name. Choose: ${names.join(', ')}.`)
    this.name = 'UnknownPersonError'
  }
}
