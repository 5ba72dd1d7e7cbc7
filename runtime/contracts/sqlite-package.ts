/**
 * The package that opens SQLite files on this Node. Versions of better-sqlite3 from 13 on bring their binaries with them, need Node 22 and
 * crash on 20; 12 is the last for Node 20, is built for one version of Node, and aborts from 24.19 on. When Node 20 goes, so does this choice.
 */
export const sqlitePackage =
  Number(process.versions.node.split('.')[0]) >= 22 ? 'better-sqlite3' : 'better-sqlite3-node20';
