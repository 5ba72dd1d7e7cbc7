/** The bytes of standard base64 with padding (RFC 4648 section 4); undefined for anything else, which Node would decode all the same. */
export function strictBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
