"""What a server needs: the analyst process, the queue of runs, the workers that may die, and the record they leave."""
