/**
 * What phone numbers have in common however they are spelled: `+1 (555) 000-1111`, `tel:+1-555-000-1111`,
 * `sip:15550001111@host` and `0015550001111` are one number. Text that is no number keeps its words in lower case.
 */
export function numberKey (spelled: string): string {
  const [user = ''] = spelled.trim().replace(/^(sips?|tel):/i, '').split(/[@;]/, 1)
  const digits = user.replace(/[\s().\-/]/g, '')
  return /^\+?[0-9*#]+$/.test(digits) ? digits.replace(/^(\+|00)/, '') : user.trim().toLowerCase()
}
