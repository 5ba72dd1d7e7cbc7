import { hashBytes, leftAt, newPair, writeNodeHash } from '../merkle/node-hash.js';
import { tileHeight, tileWidth } from './tile-tree.js';

const tileBytes = tileWidth * hashBytes;

/**
 * Every node of a full tile below its root, each level behind the one below it, so that a proof hashes each node once:
 *
 *   0                    256             384       …  508  509
 *   │ 256 hashes of it   │ 128 of pairs  │ 64 …       │ 2      │
 */
export class TileNodes {
  readonly #nodes = Buffer.allocUnsafeSlow((2 * tileWidth - 2) * hashBytes);

  /** @throws RangeError unless these are the hashes of a full tile. */
  constructor(hashes: Buffer) {
    if (hashes.byteLength !== tileBytes)
      throw new RangeError(`a full tile has ${tileBytes} bytes, not ${hashes.byteLength}`);
    const nodes = this.#nodes;
    hashes.copy(nodes);
    const pair = newPair();
    for (let from = 0, to = tileBytes; to < nodes.byteLength; from += 2 * hashBytes, to += hashBytes) {
      nodes.copy(pair, leftAt, from, from + 2 * hashBytes);
      writeNodeHash(pair, nodes, to);
    }
  }

  /** Node number `index` at `height` above the hashes: below 2^(8 − height), heights 0 to 7. A view. */
  at(height: number, index: number): Buffer {
    const isPlace = Number.isInteger(height) && height >= 0 && height < tileHeight;
    if (!(isPlace && index >= 0 && index < tileWidth >> height))
      throw new RangeError(`a tile has no node ${index} at height ${height}`);
    const place = (2 * tileWidth - ((2 * tileWidth) >> height) + index) * hashBytes;
    return this.#nodes.subarray(place, place + hashBytes);
  }
}
