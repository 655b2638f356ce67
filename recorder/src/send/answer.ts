/** What an answer means for what was sent. */
export interface Answer {
  /** 2xx, and it names what became of the body: the only thing that says stored. */
  _stored: boolean;
  /** The HTTP status; 0 if there was no answer. */
  _status: number;
  _rejected: { line: number; index: number; reason: string }[];
  /** Seconds to stay away, as the server asks; 0 if it doesn't. */
  _wait: number;
  /** When the server answered, ms since the epoch by its clock; NaN if unknown. */
  _date: number;
}

export const NONE: Answer = { _stored: false, _status: 0, _rejected: [], _wait: 0, _date: NaN };

/** Longest wait that is believed, in seconds: a proxy's "come back tomorrow" would be the end of this page. */
const MOST_SECONDS = 600;

/** Read an answer. A login page's 200, or half of an answer, is none: what it should have named is sent again. */
export const answer = async (response: Response): Promise<Answer> => {
  const header = (name: string) => response.headers.get(name) || "";
  const asked = header("Retry-After");
  const wait = +asked || (Date.parse(asked) - Date.now()) / 1000;
  const found: Answer = {
    ...NONE,
    _status: response.status,
    _wait: Math.min(Math.max(wait || 0, 0), MOST_SECONDS),
    _date: Date.parse(header("Date")),
  };
  if (response.ok) {
    const said = await response.json();
    found._stored = typeof said?.accepted == "number" && Array.isArray(said.rejected);
    if (found._stored) found._rejected = said.rejected;
  }
  return found;
};
