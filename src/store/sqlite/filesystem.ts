import { statfsSync } from "node:fs";

import { GuvnorError } from "../../core/errors.ts";

/** Linux's magic numbers of filesystems on which SQLite's locks or shared memory cannot be trusted. */
const SHARED_FILESYSTEMS = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x01021997, "9p"],
  [0x65735546, "FUSE"],
  [0x00c36400, "Ceph"],
  [0x5346414f, "AFS"],
  [0x786f4256, "VirtualBox shared folder"],
]);

/** @throws {GuvnorError} `storage_failed` where several processes could not share the file safely. */
export function refuseSharedFilesystem(directory: string, type = filesystemType(directory)): void {
  const name = SHARED_FILESYSTEMS.get(type);
  if (name === undefined) return;
  throw new GuvnorError(
    "storage_failed",
    `${directory} lies on ${name}, where SQLite's locks do not hold.`,
    "Set GUVNOR_HOME to a directory on a local disk.",
  );
}

function filesystemType(directory: string): number {
  if (process.platform !== "linux") return 0;
  try {
    return statfsSync(directory).type;
  } catch (error) {
    throw new GuvnorError(
      "storage_failed",
      `${directory} cannot be used: ${error instanceof Error ? error.message : String(error)}.`,
      "Check that the data directory exists and may be read and written.",
      { cause: error },
    );
  }
}
