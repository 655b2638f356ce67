"""`impressions catalogue load`: makes `artworks.v1` say what a file says about artworks.

    file --columns--> wanted --\
                                staging (SQLite, on disk) --plan--> records --writer--> artworks.v1
    artworks.v1 --topic--> known --/                                                        |
              ^------------------------ read again, until nothing is left to do ------------+

What is to be done is the difference between the file and the log, and nothing else is remembered: a run that was killed
is completed by the next one. A run begins by fencing whoever loads at the same time (writer.py), reads the log to its
end, and only then gives ordinals to new artworks; so two runs never give the same one. Somebody else's producer isn't
fenced: after writing, the log is read again as every reader does, and what it overtook is planned anew.
"""
