/** The load generator's process: takes one task at a time from its parent and answers with what it measured. */
import { ackedPublish } from './acked-publish.ts'
import { deliver, publish, request } from './core.ts'
import { bareDisk } from './disk.ts'
import type { Sample, Task } from './tasks.ts'

process.on('message', (task: Task) => {
  perform(task).then(
    (sample) => process.send?.({ sample }),
    (error: Error) => process.send?.({ error: error.message }),
  )
})

async function perform(task: Task): Promise<Sample> {
  switch (task.kind) {
    case 'publish':
      return publish(task.port, task.seconds, task.bare)
    case 'deliver':
      return deliver(task)
    case 'request':
      return request(task.port, task.seconds)
    case 'acked-publish':
      return ackedPublish(task.port, task.seconds, task.inFlight, task.bare)
    case 'disk':
      return bareDisk(task.folder, task.seconds, task.bytes)
  }
}
